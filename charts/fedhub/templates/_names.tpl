{{- /* Names, labels and addresses that several templates need. */}}

{{- define "fedhub.labels" -}}
app.kubernetes.io/name: fedhub
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* z2jh's Service for browsers. Its helpers want z2jh's own values. */}}
{{- define "fedhub.proxy" -}}
{{ include "jupyterhub.proxy-public.fullname" .Subcharts.jupyterhub }}
{{- end }}

{{- define "fedhub.ingress.enabled" -}}
{{- $enabled := .Values.global.fedhub.ingress.enabled }}
{{- if kindIs "invalid" $enabled }}
{{- $enabled = not .Values.global.fedhub.httpRoute.enabled }}
{{- end }}
{{- if $enabled }}true{{ end }}
{{- end }}

{{- /* The path of the hub's pages, which starts and ends with a slash. */}}
{{- define "fedhub.path" -}}
{{ printf "/%s/" (trimAll "/" .Values.jupyterhub.hub.baseUrl) | replace "//" "/" }}
{{- end }}

{{- /* Host names that lead into the cluster, the hub's first, as a YAML list. */}}
{{- define "fedhub.routes" -}}
{{- $fedhub := .Values.global.fedhub }}
- name: fedhub
  host: {{ $fedhub.domain | quote }}
  path: {{ include "fedhub.path" . | quote }}
  secretName: {{ $fedhub.tls.secretName | quote }}
  service: {{ include "fedhub.proxy" . }}
  port: 80
{{- range $name, $deployment := .Values.deployments }}
{{- if ($deployment | default dict).host }}
- name: fedhub-service-{{ $name }}
  host: {{ $deployment.host | quote }}
  path: /
  secretName: fedhub-service-{{ $name }}-tls
  service: fedhub-service-{{ $name }}
  port: {{ $deployment.port }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Whether the hub shows its metrics to a token alone, as it does unless told otherwise. */}}
{{- define "fedhub.metrics.needToken" -}}
{{- if ne (toString .Values.jupyterhub.hub.authenticatePrometheus) "false" }}true{{ end }}
{{- end }}

{{- /* What the hub's Service and its pod have in z2jh's labels, and nothing else has. */}}
{{- define "fedhub.hubLabels" -}}
component: hub
release: {{ .Release.Name | quote }}
{{- end }}

{{- /* Login providers that are not null, as YAML. */}}
{{- define "fedhub.login" -}}
{{- $found := dict }}
{{- range $name, $provider := .Values.global.fedhub.login }}
{{- if $provider }}{{ $_ := set $found $name $provider }}{{ end }}
{{- end }}
{{- toYaml $found }}
{{- end }}

{{- /* A provider's callback URL: list ROOT NAME PROVIDER. As the hub has it: with several
       providers each has a path of its own. */}}
{{- define "fedhub.callback" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $provider := index . 2 }}
{{- $several := gt (include "fedhub.login" $root | fromYaml | len) 1 }}
{{- $own := dig "config" "oauth_callback_url" "" (dict "config" ($provider.config | default dict)) }}
{{- $page := ternary (printf "hub/%s/oauth_callback" $name) "hub/oauth_callback" $several }}
{{- $own | default (printf "https://%s%s%s" $root.Values.global.fedhub.domain (include "fedhub.path" $root) $page) }}
{{- end }}

{{- /* Whether the API server's own list of kinds is known: not for `helm template` alone. */}}
{{- define "fedhub.knowsCluster" -}}
{{- if .Capabilities.APIVersions.Has "v1/Secret" }}true{{ end }}
{{- end }}

{{- /* The hub's image, for what of ours runs Python in the cluster. */}}
{{- define "fedhub.image" -}}
{{- $hub := .Values.jupyterhub.hub }}
image: {{ printf "%s:%s" $hub.image.name (toString $hub.image.tag) | quote }}
{{- with $hub.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end }}

{{- /* What lets the cluster pull it: the hub's own pull secrets. */}}
{{- define "fedhub.pullSecrets" -}}
{{- with include "jupyterhub.imagePullSecrets" (dict "root" .Subcharts.jupyterhub "image" .Values.jupyterhub.hub.image) }}
imagePullSecrets: {{ . }}
{{- end }}
{{- end }}

{{- /* The Pod Security Standard `restricted`, for a pod and for each of its containers. A pod of
       another user than 1000: dict "runAsUser" NUMBER. */}}
{{- define "fedhub.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  {{- $user := .runAsUser | default 1000 | int64 }}
  runAsUser: {{ $user }}
  runAsGroup: {{ $user }}
  fsGroup: {{ $user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "fedhub.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}
