{{- /* What `helm test` holds the running hub against. No secrets: whoever may see a ConfigMap
       sees them. */}}

{{- /* Where z2jh's proxy speaks plain HTTP, else where it has the certificate itself. */}}
{{- define "fedhub.test.proxy" -}}
{{- $https := .Values.jupyterhub.proxy.https }}
{{- if and $https.enabled (eq $https.type "letsencrypt") $https.hosts }}
{{- print "http://" (include "jupyterhub.proxy-http.fullname" .Subcharts.jupyterhub) ":8000" }}
{{- else if and $https.enabled (has $https.type (list "manual" "secret")) }}
{{- print "https://" (include "fedhub.proxy" .) ":443" }}
{{- else }}
{{- print "http://" (include "fedhub.proxy" .) ":80" }}
{{- end }}
{{- end }}

{{- define "fedhub.test.facts" -}}
{{- $login := include "fedhub.login" . | fromYaml }}
{{- $providers := dict }}
{{- range $name, $provider := $login }}
{{- $config := $provider.config | default dict }}
{{- $existing := ($provider.credentials | default dict).existingSecret }}
{{- $fixed := and $config.client_secret (not $existing) | empty | not }}
{{- $_ := set $providers $name (dict
      "page" (ternary (printf "hub/%s/oauth_login" $name) "hub/oauth_login" (gt (len $login) 1))
      "callback" (include "fedhub.callback" (list $ $name $provider))
      "client_id" ($config.client_id | default "")
      "fixed" $fixed) }}
{{- end }}
{{- $services := dict }}
{{- range $name, $service := .Values.global.fedhub.services }}
{{- if $service }}
{{- $_ := set $services $name (dict
      "client_id" ($service.oauth_client_id | default (printf "service-%s" $name))
      "redirect_uri" $service.oauth_redirect_uri) }}
{{- end }}
{{- end }}
{{- dict
      "domain" .Values.global.fedhub.domain
      "path" (include "fedhub.path" .)
      "hub" (printf "http://%s:8081" (include "jupyterhub.hub.fullname" .Subcharts.jupyterhub))
      "proxy" (include "fedhub.test.proxy" .)
      "providers" $providers
      "services" $services | toPrettyJson }}
{{- end }}

{{- /* The Secrets that the hub has client ids from, but of each only the client ids, in a folder
       of its own: Kubernetes takes no two entries of one path. */}}
{{- define "fedhub.test.clientIds" -}}
{{- $login := include "fedhub.login" . | fromYaml }}
{{- $own := list }}
{{- range $name := keys $login | sortAlpha }}
{{- $own = append $own (printf "%s.client_id" $name) }}
{{- end }}
{{- $sources := list }}
{{- range $volume := .Values.jupyterhub.hub.extraVolumes }}
{{- if eq (toString $volume.name) "fedhub-credentials" }}
{{- range $source := ($volume.projected | default dict).sources }}
{{- with $source.secret }}
{{- $items := list }}
{{- range $key := $own }}
{{- $items = append $items (dict "key" $key "path" (printf "%d/%s" (len $sources) $key)) }}
{{- end }}
{{- $sources = append $sources (dict "secret" (dict "name" .name "optional" true "items" $items)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $provider := $login }}
{{- $credentials := $provider.credentials | default dict }}
{{- with $credentials.existingSecret }}
{{- $path := printf "%d/%s.client_id" (len $sources) $name }}
{{- $items := list (dict "key" ($credentials.clientIdKey | default "client_id") "path" $path) }}
{{- $sources = append $sources (dict "secret" (dict "name" . "optional" true "items" $items)) }}
{{- end }}
{{- end }}
{{- toYaml $sources }}
{{- end }}
