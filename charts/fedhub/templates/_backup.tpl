{{- /* What a backup and a restore share: pods on the hub's database, that differ in one word. */}}

{{- /* The pod's template: list ROOT WHAT, which is backup or restore. */}}
{{- define "fedhub.backup.pod" -}}
{{- $root := index . 0 }}{{ $what := index . 1 }}
{{- with $root.Values }}
{{- $hub := .jupyterhub.hub }}
{{- $postgres := eq $hub.db.type "postgres" }}
metadata:
  labels:
    {{- include "fedhub.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $what }}
spec:
  {{- include "fedhub.podSecurity" $root | nindent 2 }}
  {{- include "fedhub.pullSecrets" $root | nindent 2 }}
  restartPolicy: Never
  {{- with $hub.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat .jupyterhub.scheduling.corePods.tolerations $hub.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq $what "restore" }}
  # Not while there is a hub anywhere, and no hub while this runs: the scheduler heeds it both ways.
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/os
          labelSelector:
            matchLabels: { component: hub, release: {{ $root.Release.Name | quote }} }
  {{- else if not $postgres }}
  # Only one node may have the volume, and sqlite's locks must be seen by both.
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: { component: hub, release: {{ $root.Release.Name | quote }} }
  {{- end }}
  {{- if $postgres }}
  initContainers:
    - name: connection
      {{- include "fedhub.image" $root | nindent 6 }}
      command: [python3, -B, /scripts/connection.py, /secrets/hub, /secrets/existing, /connection]
      {{- include "fedhub.containerSecurity" $root | nindent 6 }}
      {{- with .backup.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - { name: scripts, mountPath: /scripts, readOnly: true }
        - { name: hub, mountPath: /secrets/hub, readOnly: true }
        {{- if $hub.existingSecret }}
        - { name: existing, mountPath: /secrets/existing, readOnly: true }
        {{- end }}
        - { name: connection, mountPath: /connection }
  {{- end }}
  containers:
    - name: {{ $what }}
      {{- if $postgres }}
      image: {{ printf "%s:%s" .backup.image.name .backup.image.tag | quote }}
      command: [sh, /scripts/postgres.sh, {{ $what }}, /backups]
      {{- else }}
      {{- include "fedhub.image" $root | nindent 6 }}
      command: [python3, -B, /scripts/sqlite.py, {{ $what }}, /srv/jupyterhub/jupyterhub.sqlite, /backups]
      {{- end }}
      {{- if eq $what "restore" }}
      args: ["$(BACKUP)"]
      {{- else }}
      args: [{{ .backup.keep | quote }}]
      {{- end }}
      {{- if or $postgres (eq $what "restore") }}
      env:
        {{- if eq $what "restore" }}
        - { name: BACKUP, value: "" }
        {{- end }}
        {{- if $postgres }}
        - { name: PGSERVICEFILE, value: /connection/service.conf }
        {{- end }}
      {{- end }}
      {{- include "fedhub.containerSecurity" $root | nindent 6 }}
      {{- with .backup.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - { name: scripts, mountPath: /scripts, readOnly: true }
        - { name: backups, mountPath: /backups }
        {{- if $postgres }}
        - { name: connection, mountPath: /connection, readOnly: true }
        {{- else }}
        - name: database
          mountPath: /srv/jupyterhub
          readOnly: {{ eq $what "backup" }}
          {{- with $hub.db.pvc.subPath }}
          subPath: {{ . | quote }}
          {{- end }}
        {{- end }}
  volumes:
    - name: scripts
      configMap: { name: fedhub-backup }
    - name: backups
      persistentVolumeClaim: { claimName: {{ .backup.storage.existingClaim | default "fedhub-backup" | quote }} }
    {{- if $postgres }}
    - name: hub
      projected:
        defaultMode: 0440
        sources:
          - secret: { name: fedhub-backup, optional: true }
          - secret:
              name: {{ include "jupyterhub.hub.fullname" $root.Subcharts.jupyterhub }}
              optional: true
              items: [{ key: hub.db.password, path: hub.db.password }]
    {{- with $hub.existingSecret }}
    - name: existing
      projected:
        defaultMode: 0440
        sources:
          {{- range list "values.yaml" "hub.db.password" }}
          - secret: { name: {{ $hub.existingSecret | quote }}, optional: true, items: [{ key: {{ . }}, path: {{ . }} }] }
          {{- end }}
    {{- end }}
    - name: connection
      emptyDir: { medium: Memory, sizeLimit: 1Mi }
    {{- else }}
    - name: database
      persistentVolumeClaim: { claimName: {{ include "jupyterhub.hub-pvc.fullname" $root.Subcharts.jupyterhub }} }
    {{- end }}
{{- end }}
{{- end }}

{{- /* The port that the hub's database is at. */}}
{{- define "fedhub.backup.port" -}}
{{- $address := toString .Values.jupyterhub.hub.db.url | splitList "?" | first }}
{{- $server := regexReplaceAll "^.*(@|//)" $address "" | splitList "/" | first }}
{{- regexFind ":[0-9]+$" $server | trimPrefix ":" | default "5432" }}
{{- end }}
