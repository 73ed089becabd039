// Registers a client as RFC 7591 has it, with oauth4webapi, and logs somebody in with it.
//
// Reads JSON from standard input: issuer, registration (an address), token (the initial access
// token), metadata, persona. Writes what the registration brought and the claims of the person.
import { readFileSync } from "node:fs";
import * as oauth from "oauth4webapi";

const given = JSON.parse(readFileSync(0, "utf8"));
const plain = { [oauth.allowInsecureRequests]: true };

const issuer = new URL(given.issuer);
const found = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, plain),
);
const server = { ...found, registration_endpoint: given.registration };

const reply = await oauth.dynamicClientRegistrationRequest(server, given.metadata, {
  initialAccessToken: given.token,
  ...plain,
});
const registered = await oauth.processDynamicClientRegistrationResponse(reply);

const client = { client_id: registered.client_id };
const secret = oauth.ClientSecretPost(registered.client_secret);
const verifier = oauth.generateRandomCodeVerifier();
const callback = given.metadata.redirect_uris[0];
const state = oauth.generateRandomState();
const address = new URL(server.authorization_endpoint);
address.search = new URLSearchParams({
  client_id: client.client_id,
  redirect_uri: callback,
  response_type: "code",
  scope: "openid email",
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
});
const back = await fetch(address, {
  method: "POST",
  body: new URLSearchParams({ persona: given.persona }),
  redirect: "manual",
});
const answer = oauth.validateAuthResponse(
  server,
  client,
  new URL(back.headers.get("location")),
  state,
);
const tokens = await oauth.processAuthorizationCodeResponse(
  server,
  client,
  await oauth.authorizationCodeGrantRequest(
    server,
    client,
    secret,
    answer,
    callback,
    verifier,
    plain,
  ),
);
const claims = oauth.getValidatedIdTokenClaims(tokens);
console.log(JSON.stringify({ registered, claims, refreshes: "refresh_token" in tokens }));
