{{- /* Services that run in the cluster. Each of these takes: list ROOT NAME, the latter a key of
       `deployments` and of `global.fedhub.services`. */}}

{{- define "fedhub.deployment.selector" -}}
app.kubernetes.io/name: fedhub
app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
app.kubernetes.io/component: service-{{ index . 1 }}
{{- end }}

{{- /* Its path, which starts and ends with a slash; and its address for people. */}}
{{- define "fedhub.deployment.prefix" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- if (get $root.Values.deployments $name).host }}/{{ else }}{{ include "fedhub.path" $root }}services/{{ $name }}/{{ end }}
{{- end }}

{{- define "fedhub.deployment.address" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- printf "https://%s%s" ((get $root.Values.deployments $name).host | default $root.Values.global.fedhub.domain) (include "fedhub.deployment.prefix" .) }}
{{- end }}

{{- define "fedhub.deployment.inside" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- printf "http://fedhub-service-%s:%v" $name (get $root.Values.deployments $name).port }}
{{- end }}

{{- define "fedhub.deployment.clientId" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- (get $root.Values.global.fedhub.services $name).oauth_client_id | default (printf "service-%s" $name) }}
{{- end }}

{{- /* What JupyterHub tells the services that it starts itself (jupyterhub/services/service.py and
       jupyterhub/spawner.py, get_env), but for tokens. */}}
{{- define "fedhub.deployment.facts" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- $deployment := get $root.Values.deployments $name }}
{{- $service := get $root.Values.global.fedhub.services $name }}
{{- $path := include "fedhub.path" $root }}
{{- $prefix := include "fedhub.deployment.prefix" . }}
{{- $hub := printf "https://%s" $root.Values.global.fedhub.domain }}
JUPYTERHUB_SERVICE_NAME: {{ $name | quote }}
JUPYTERHUB_SERVICE_PREFIX: {{ $prefix | quote }}
JUPYTERHUB_SERVICE_URL: {{ printf "http://0.0.0.0:%v%s" $deployment.port $prefix | quote }}
JUPYTERHUB_PUBLIC_URL: {{ include "fedhub.deployment.address" . | quote }}
JUPYTERHUB_HOST: {{ $hub | quote }}
JUPYTERHUB_BASE_URL: {{ $path | quote }}
JUPYTERHUB_PUBLIC_HUB_URL: {{ print $hub $path "hub/" | quote }}
JUPYTERHUB_API_URL: {{ printf "http://%s:8081%shub/api" (include "jupyterhub.hub.fullname" $root.Subcharts.jupyterhub) $path | quote }}
JUPYTERHUB_CLIENT_ID: {{ include "fedhub.deployment.clientId" . | quote }}
JUPYTERHUB_OAUTH_CALLBACK_URL: {{ $service.oauth_redirect_uri | quote }}
JUPYTERHUB_OAUTH_ACCESS_SCOPES: {{ list (printf "access:services!service=%s" $name) | toJson | quote }}
{{- $scopes := $service.oauth_client_allowed_scopes | default list }}
{{- range $role, $people := $service.roles }}
{{- if kindIs "map" $people }}{{ $scopes = append $scopes (printf "custom:%s:%s" $name $role) }}{{ end }}
{{- end }}
JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES: {{ $scopes | toJson | quote }}
{{- end }}

{{- /* Variables of the container: those, then the operator's, which win. */}}
{{- define "fedhub.deployment.env" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- $given := (get $root.Values.deployments $name).env | default list }}
{{- $theirs := list }}
{{- range $given }}{{ $theirs = append $theirs .name }}{{ end }}
{{- range $key, $value := include "fedhub.deployment.facts" . | fromYaml }}
{{- if not (has $key $theirs) }}
- name: {{ $key }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- with $given }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* z2jh's labels of one of its own pods: list ROOT COMPONENT. */}}
{{- define "fedhub.z2jhSelector" -}}
{{- $root := index . 0 }}
{{- include "jupyterhub.matchLabels" (merge (dict "componentLabel" (index . 1) "Template" $root.Template) $root.Subcharts.jupyterhub) }}
{{- end }}

{{- /* Volumes that a pod may have under `restricted`:
       https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */}}
{{- define "fedhub.restrictedVolumes" -}}
[configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret]
{{- end }}

{{- define "fedhub.problems.deployments" -}}
{{- $root := . }}
{{- $services := .Values.global.fedhub.services | default dict }}
{{- $hosts := dict }}
{{- range $name, $deployment := .Values.deployments }}
{{- if $deployment }}
{{- $here := list $root $name }}
{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$" $name) }}
- deployments.{{ $name }} is no name for objects of Kubernetes; call the service, there and under global.fedhub.services, by at most 48 lower-case letters, digits and hyphens
{{- end }}
{{- if get $services $name }}
{{- include "fedhub.problems.way" $here }}
{{- else }}
- deployments.{{ $name }} is of no service under global.fedhub.services{{ with keys $services | sortAlpha }}, which has {{ join ", " . }}{{ end }}; correct the name, or declare the service there
{{- end }}
{{- with $deployment.host }}
{{- with get $hosts . }}
- deployments.{{ . }} and deployments.{{ $name }} have the same host; give each its own
{{- end }}
{{- $_ := set $hosts . $name }}
{{- end }}
{{- if eq $deployment.image.tag "latest" }}
- deployments.{{ $name }}.image.tag is latest, which is another image tomorrow; name a version
{{- end }}
{{- range $volume := $deployment.volumes }}
{{- range $kind := keys (omit $volume "name") | sortAlpha }}
{{- if not (has $kind (include "fedhub.restrictedVolumes" $root | fromYamlArray)) }}
- deployments.{{ $name }}.volumes has {{ $kind }}, which the Pod Security Standard restricted does not let a pod have; use {{ include "fedhub.restrictedVolumes" $root | fromYamlArray | join ", " }}
{{- end }}
{{- end }}
{{- end }}
{{- range $probe := list "readinessProbe" "livenessProbe" }}
{{- range $way := list "httpGet" "tcpSocket" }}
{{- if (get (get $deployment $probe | default dict) $way | default dict).host }}
- deployments.{{ $name }}.{{ $probe }}.{{ $way }}.host would have the node ask another host, which the Pod Security Standard restricted forbids; remove it
{{- end }}
{{- end }}
{{- end }}
{{- if and ($deployment.pdb | default dict).enabled (lt (int ($deployment.replicas | default 1)) 2) }}
- deployments.{{ $name }}.pdb with one pod would keep its node from being drained; set replicas to 2, or remove pdb
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* How people reach it: by a host of its own or through the hub's proxy, and back to there. */}}
{{- define "fedhub.problems.way" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- $fedhub := $root.Values.global.fedhub }}
{{- $deployment := get $root.Values.deployments $name }}
{{- $service := get $fedhub.services $name }}
{{- $inside := include "fedhub.deployment.inside" . }}
{{- $address := include "fedhub.deployment.address" . }}
{{- if $deployment.host }}
{{- if eq $deployment.host ($fedhub.domain | default "") }}
- deployments.{{ $name }}.host is the hub's own, global.fedhub.domain; give it another, or remove it and set global.fedhub.services.{{ $name }}.url to {{ $inside }}, so that people reach it at {{ include "fedhub.path" $root }}services/{{ $name }}/
{{- end }}
{{- if $service.url }}
- deployments.{{ $name }}.host and global.fedhub.services.{{ $name }}.url are two ways to it, by a host of its own and through the hub's proxy; remove one
{{- end }}
{{- if not (or (include "fedhub.ingress.enabled" $root) $fedhub.httpRoute.enabled) }}
- deployments.{{ $name }}.host needs global.fedhub.ingress or global.fedhub.httpRoute to lead there, and both are off; enable one, or remove host and set global.fedhub.services.{{ $name }}.url to {{ $inside }}
{{- end }}
{{- else if ne ($service.url | default "" | trimSuffix "/") $inside }}
- deployments.{{ $name }} can't be reached; set global.fedhub.services.{{ $name }}.url to {{ $inside }}, and the hub's proxy leads to it at {{ include "fedhub.deployment.prefix" . }}, or set deployments.{{ $name }}.host to a host name of its own
{{- end }}
{{- if not (hasPrefix $address $service.oauth_redirect_uri) }}
- global.fedhub.services.{{ $name }}.oauth_redirect_uri is not below {{ $address }}, where people reach the service; correct it, such as to {{ $address }}oauth_callback
{{- end }}
{{- end }}
