// Logs somebody in with openid-client, which is told an issuer and finds the rest by discovery.
//
// Reads lines from standard input: JSON of issuer, clientId, clientSecret, callback; later the
// address at which the person came back. Writes the address to send them to, then what it learned.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await lines.next()).value);

const config = await client.discovery(
  new URL(given.issuer),
  given.clientId,
  given.clientSecret,
  given.basic ? client.ClientSecretBasic(given.clientSecret) : undefined,
  { execute: [client.allowInsecureRequests] },
);
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedNonce = client.randomNonce();
const expectedState = client.randomState();
const address = client.buildAuthorizationUrl(config, {
  redirect_uri: given.callback,
  scope: "openid profile email",
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
  nonce: expectedNonce,
  state: expectedState,
});
console.log(address.href);

const back = new URL((await lines.next()).value);
const tokens = await client.authorizationCodeGrant(config, back, {
  pkceCodeVerifier,
  expectedNonce,
  expectedState,
  idTokenExpected: true,
});
const claims = tokens.claims();
const userInfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
console.log(JSON.stringify({ claims, userInfo }));
process.exit(0);
