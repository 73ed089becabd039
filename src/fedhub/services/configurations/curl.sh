#!/bin/sh
# Logs one person in through the hub, step by step; it needs curl and openssl. OAUTH_CLIENT_SECRET is
# the client secret; it is handed to curl on its standard input, where no other user of the machine
# can read it.
set -eu
: "${OAUTH_CLIENT_SECRET:?is not set}"
client_id=@client_id@
redirect_uri=@redirect_uri@
scope=@scope@ # the hub refuses an empty one, but takes none

escaped() {
    # as in an address
    printf %s "$1" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g'
}

random() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

state=$(random)
verifier=$(random)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d =)
query="response_type=code&client_id=$(escaped "$client_id")&redirect_uri=$(escaped "$redirect_uri")"
echo "Open this address, and log in:" >&2
echo @authorization_url@"?$query${scope:+&scope=$(escaped "$scope")}&state=$state&code_challenge=$challenge&code_challenge_method=S256"
echo "Paste the address where the browser ends (nothing needs to answer there):" >&2
read -r answer

parameter() {
    printf %s "$answer" | sed -n "s/.*[?&]$1=\([^&#]*\).*/\1/p"
}

if [ "$(parameter state)" != "$state" ]; then
    echo "this is no answer to the address above" >&2
    exit 1
fi
if [ -z "$(parameter code)" ]; then
    refusal=$(parameter error)
    echo "the hub did not let you in: ${refusal:-its page says why}" >&2
    exit 1
fi
reply=$(
    printf %s "grant_type=authorization_code&code=$(parameter code)" \
        "&client_id=$(escaped "$client_id")&redirect_uri=$(escaped "$redirect_uri")" \
        "&client_secret=$(escaped "$OAUTH_CLIENT_SECRET")&code_verifier=$verifier" |
        curl --silent --show-error --data @- @token_url@
)
token=$(printf %s "$reply" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
if [ -z "$token" ]; then
    echo "the hub gave no access token: $reply" >&2
    exit 1
fi
printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --silent --show-error --fail --config - @userinfo_url@
