{{- /* What can't work, said before anything is installed: all of it at once, one line each.

       The schema has said what is of a wrong type or has an unknown name. */}}

{{- define "fedhub.problems.domain" -}}
{{- if not .Values.global.fedhub.domain }}
- global.fedhub.domain is missing; set it to the hub's host name, such as hub.example.org
{{- end }}
{{- end }}

{{- define "fedhub.problems.login" -}}
{{- $login := include "fedhub.login" . | fromYaml }}
{{- $class := dig "JupyterHub" "authenticator_class" "dummy" .Values.jupyterhub.hub.config | toString }}
{{- /* z2jh's default is the dummy, by any of its names; with a password it is somebody's choice. Code
       replaces it only if it names another. */}}
{{- $password := dig "DummyAuthenticator" "password" "" .Values.jupyterhub.hub.config }}
{{- $chosen := contains "authenticator_class" (.Values.jupyterhub.hub.extraConfig | toJson) }}
{{- if not (or $login $chosen (not (regexMatch "(?i)dummy" $class)) $password) }}
- global.fedhub.login names no login provider, so anybody could log in under any name; add one, such as campus: {authenticator: cilogon, config: …}
{{- end }}
{{- range $name, $provider := $login }}
{{- $config := $provider.config | default dict }}
{{- if and (regexMatch "(?i)dummy" (toString $provider.authenticator)) (not (or $config.password $password)) }}
- global.fedhub.login.{{ $name }} lets anybody in under any name, since {{ $provider.authenticator }} asks for no password; name a real authenticator, or set config.password
{{- end }}
{{- /* `fedhub new` leaves these, and somebody might be called so. */}}
{{- with regexFind `"(\w+:)?<[a-z][a-z-]*>"` (toRawJson $config) }}
- global.fedhub.login.{{ $name }}.config has {{ . }}, which is still to be filled in; write what is yours there, or remove the line
{{- end }}
{{- end }}
{{- range $name, $provider := $login }}
{{- $callback := include "fedhub.callback" (list $ $name $provider) }}
{{- if not (hasPrefix "https://" $callback) }}
- global.fedhub.login.{{ $name }}.config.oauth_callback_url is {{ $callback }}, where codes and cookies travel in plain text; use https://, or remove it so that it follows from the domain
{{- end }}
{{- end }}
{{- range $section, $traits := .Values.jupyterhub.hub.config }}
{{- $callback := "" }}
{{- if kindIs "map" $traits }}{{ $callback = $traits.oauth_callback_url | default "" | toString }}{{ end }}
{{- if hasPrefix "http://" $callback }}
- jupyterhub.hub.config.{{ $section }}.oauth_callback_url is {{ $callback }}, where codes and cookies travel in plain text; use https://
{{- end }}
{{- end }}
{{- end }}

{{- define "fedhub.problems.route" -}}
{{- $fedhub := .Values.global.fedhub }}
{{- $ingress := include "fedhub.ingress.enabled" . }}
{{- $ours := ternary "global.fedhub.ingress" "global.fedhub.httpRoute" (eq $ingress "true") }}
{{- if and $ingress $fedhub.httpRoute.enabled }}
- both global.fedhub.ingress and global.fedhub.httpRoute are enabled; turn one off
{{- end }}
{{- if or $ingress $fedhub.httpRoute.enabled }}
{{- range $theirs := list "ingress" "httpRoute" }}
{{- if (index $.Values.jupyterhub $theirs | default dict).enabled }}
- jupyterhub.{{ $theirs }} is enabled beside {{ $ours }}; turn jupyterhub.{{ $theirs }} off, since the route follows from global.fedhub.domain, or turn {{ $ours }} off
{{- end }}
{{- end }}
{{- if .Values.jupyterhub.proxy.https.enabled }}
- jupyterhub.proxy.https is enabled beside {{ $ours }}, so two would end TLS; turn jupyterhub.proxy.https off, or {{ $ours }} where z2jh's proxy answers for the domain itself
{{- end }}
{{- end }}
{{- if and $fedhub.httpRoute.enabled (not $fedhub.httpRoute.parentRefs) }}
- global.fedhub.httpRoute.parentRefs is empty, so no Gateway would take the route; name one
{{- end }}
{{- with $fedhub.tls.issuer }}
{{- if and .acme (eq (.kind | default "Issuer") "ClusterIssuer") }}
- global.fedhub.tls.issuer.acme makes an Issuer of the hub's namespace, and kind is ClusterIssuer; remove acme to use a ClusterIssuer that is there, or remove kind
{{- end }}
{{- end }}
{{- end }}

{{- define "fedhub.problems.credentials" -}}
{{- $login := include "fedhub.login" . | fromYaml }}
{{- $hub := .Values.jupyterhub.hub }}
{{- $volumes := $hub.extraVolumes | toJson }}
{{- range $name, $client := .Values.credentials }}
{{- $provider := get $login $name }}
{{- if not $client }}
{{- else if not $provider }}
- credentials.{{ $name }} is of no provider under global.fedhub.login{{ with keys $login | sortAlpha }}, which has {{ join ", " . }}{{ end }}; correct the name, or remove it
{{- else if $provider.credentials }}
- credentials.{{ $name }} and global.fedhub.login.{{ $name }}.credentials both say where the client comes from; keep one
{{- else if ($provider.config | default dict).client_secret }}
- credentials.{{ $name }} and global.fedhub.login.{{ $name }}.config.client_secret both hold the client; keep credentials.{{ $name }}, which needs no restart when it changes
{{- end }}
{{- end }}
{{- range $name, $provider := $login }}
{{- with ($provider.credentials | default dict).existingSecret }}
{{- if ne . ($hub.existingSecret | default "" | toString) }}
- global.fedhub.login.{{ $name }}.credentials.existingSecret is {{ . }}, which the hub does not mount; set jupyterhub.hub.existingSecret to {{ . }} too, or call its keys {{ $name }}.client_id and {{ $name }}.client_secret in a Secret fedhub-credentials
{{- end }}
{{- end }}
{{- end }}
{{- if not (and (contains `"name":"fedhub-credentials"` $volumes) (contains "/usr/local/etc/jupyterhub/fedhub-credentials" ($hub.extraVolumeMounts | toJson))) }}
- jupyterhub.hub.extraVolumes or extraVolumeMounts lost the entry fedhub-credentials, because Helm replaces lists; copy it from the chart's values.yaml into yours
{{- end }}
{{- end }}

{{- /* Secrets that z2jh makes up where it finds none: kept by a cluster, new at every render
       without one (zero-to-jupyterhub-k8s issue 2887). The namespace's own service account tells
       whether there is a cluster to keep them. */}}
{{- define "fedhub.problems.keys" -}}
{{- $oidc := .Values.global.fedhub.oidc | default dict }}
{{- if and $oidc.enabled (not $oidc.privateKey) }}
- global.fedhub.oidc.privateKey, which signs ID tokens, is missing, and the hub would not start; `fedhub secrets generate` makes it in the encrypted values file
{{- end }}
{{- $config := .Values.jupyterhub.hub.config }}
{{- $wanted := dict
      "JupyterHub.cookie_secret" (or (dig "JupyterHub" "cookie_secret" "" $config) .Values.jupyterhub.hub.cookieSecret)
      "CryptKeeper.keys" (dig "CryptKeeper" "keys" "" $config)
      "ConfigurableHTTPProxy.auth_token" (or (dig "ConfigurableHTTPProxy" "auth_token" "" $config) .Values.jupyterhub.proxy.secretToken) }}
{{- $missing := list }}
{{- range $key, $value := $wanted }}
{{- if not $value }}{{ $missing = append $missing (printf "jupyterhub.hub.config.%s" $key) }}{{ end }}
{{- /* JupyterHub takes any text, also the dots of an example. */}}
{{- $short := false }}
{{- range ternary $value (list $value) (kindIs "slice" $value) }}
{{- if and . (lt (len (toString .)) 32) }}{{ $short = true }}{{ end }}
{{- end }}
{{- if $short }}
- jupyterhub.hub.config.{{ $key }} is shorter than 32 characters, so it could be guessed; put what `openssl rand -hex 32` prints into the encrypted values file
{{- end }}
{{- end }}
{{- range $name, $service := .Values.jupyterhub.hub.services }}
{{- if not (or (kindIs "invalid" $service) (dig "api_token" "" ($service | default dict)) (dig "apiToken" "" ($service | default dict))) }}
{{- $missing = append $missing (printf "jupyterhub.hub.services.%s.api_token" $name) }}
{{- end }}
{{- end }}
{{- if and $missing (not (lookup "v1" "ServiceAccount" .Release.Namespace "default")) }}
- {{ join ", " $missing }} must be set where no cluster can keep them: they would be new at every render, which logs everybody out. `fedhub secrets generate` puts them into the encrypted values file; by hand, `openssl rand -hex 32` for each (CryptKeeper.keys is a list). With `helm install` into a namespace that exists, they are made once and kept
{{- end }}
{{- range $name, $service := .Values.global.fedhub.services }}
{{- if and $service (not $service.api_token) }}
- global.fedhub.services.{{ $name }}.api_token is missing; `fedhub secrets generate`, or `openssl rand -hex 32`, into the encrypted values file: the service has it as its client secret
{{- end }}
{{- end }}
{{- end }}

{{- define "fedhub.problems.backup" -}}
{{- $hub := .Values.jupyterhub.hub }}
{{- if not .Values.backup.enabled }}
{{- else if eq $hub.db.type "sqlite-pvc" }}
{{- if has "ReadWriteOncePod" $hub.db.pvc.accessModes }}
- backup.enabled is on, and jupyterhub.hub.db.pvc.accessModes has ReadWriteOncePod, so that nobody but the hub could read the database; make it ReadWriteOnce, or turn backup.enabled off
{{- end }}
{{- else if eq $hub.db.type "postgres" }}
{{- if and (not $hub.db.url) (not $hub.existingSecret) }}
- backup.enabled is on, and jupyterhub.hub.db.url is missing; set it to postgresql+psycopg2://…
{{- else if not (or $hub.db.password $hub.existingSecret (regexMatch "://[^/@:]*:.*@|[?&]pass(word|file)=" (toString $hub.db.url))) }}
- backup.enabled is on, and there is no password for the database; set jupyterhub.hub.db.password in the encrypted values file, or keep it in jupyterhub.hub.existingSecret under the key hub.db.password
{{- end }}
{{- else if eq $hub.db.type "sqlite-memory" }}
- backup.enabled is on, and jupyterhub.hub.db.type is sqlite-memory, of which nothing is left to back up when the hub stops; make it sqlite-pvc or postgres, or turn backup.enabled off
{{- else }}
- backup.enabled is on, and jupyterhub.hub.db.type is {{ $hub.db.type }}, which this chart can't back up; turn backup.enabled off and use the database's own tools, or make it sqlite-pvc or postgres
{{- end }}
{{- end }}

{{- /* Without a token Prometheus gets 403, and nobody sees that nothing is watched. */}}
{{- define "fedhub.problems.monitoring" -}}
{{- $hub := .Values.jupyterhub.hub }}
{{- if and .Values.monitoring.serviceMonitor.enabled (include "fedhub.metrics.needToken" .) }}
{{- if not (hasKey $hub.services "prometheus") }}
- monitoring.serviceMonitor has no token to read the hub's metrics with; write jupyterhub.hub.services.prometheus: {} and z2jh makes one
{{- end }}
{{- $allowed := false }}
{{- range $role := $hub.loadRoles }}
{{- if and (has "read:metrics" ($role.scopes | default list)) (has "prometheus" ($role.services | default list)) }}{{ $allowed = true }}{{ end }}
{{- end }}
{{- if not $allowed }}
- monitoring.serviceMonitor needs a role that lets the service prometheus read metrics; write jupyterhub.hub.loadRoles.prometheus: {scopes: [read:metrics], services: [prometheus]}
{{- end }}
{{- end }}
{{- end }}

{{- define "fedhub.problems.kinds" -}}
{{- if include "fedhub.knowsCluster" . }}
{{- $fedhub := .Values.global.fedhub }}
{{- if and $fedhub.httpRoute.enabled (not (.Capabilities.APIVersions.Has "gateway.networking.k8s.io/v1")) }}
- global.fedhub.httpRoute needs the Gateway API, which this cluster lacks; install its CRDs, or use global.fedhub.ingress
{{- end }}
{{- if and $fedhub.tls.enabled $fedhub.tls.issuer (not (.Capabilities.APIVersions.Has "cert-manager.io/v1")) }}
- global.fedhub.tls.issuer needs cert-manager, which this cluster lacks; install it, or remove issuer and bring the Secret {{ $fedhub.tls.secretName }}
{{- end }}
{{- $external := list }}
{{- range $name, $provider := include "fedhub.login" . | fromYaml }}
{{- if ($provider.credentials | default dict).externalSecret }}{{ $external = append $external $name }}{{ end }}
{{- end }}
{{- if and $external (not (.Capabilities.APIVersions.Has "external-secrets.io/v1")) }}
- global.fedhub.login.{{ first $external }}.credentials.externalSecret needs the External Secrets Operator, which this cluster lacks; install it, or give the credentials another way
{{- end }}
{{- if not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") }}
{{- range $key := list "serviceMonitor" "prometheusRule" }}
{{- if (index $.Values.monitoring $key).enabled }}
- monitoring.{{ $key }} needs the Prometheus Operator, which this cluster lacks; install it, or turn monitoring.{{ $key }} off
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
