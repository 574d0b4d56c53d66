/**
 * Trial A-9: forty ways to use a tenant's chat from where it does not belong. `site` is one that the tenant has named, `home`
 * the tenant's own host; both are origins.
 */
type Places = { readonly site: string; readonly home: string; readonly evil: string };

/** What a browser, or somebody who plays one, says in `Origin`: near to a site that is named, and none. */
export function foreignOrigins({ site, home, evil }: Places): readonly string[] {
  const { protocol, hostname, port } = new URL(site);
  return [
    evil,
    site.replace('http:', 'https:'),
    `${protocol}//${hostname}`,
    `${protocol}//${hostname}:${Number(port) + 1}`,
    `${protocol}//sub.${hostname}:${port}`,
    `${protocol}//${hostname}.evil.example:${port}`,
    `${protocol}//evil${hostname}:${port}`,
    `${site}.evil.example`,
    `${protocol}//${hostname.toUpperCase()}:${port}`,
    `${site}/`,
    `${site}@evil.example`,
    `${site} ${evil}`,
    'null',
    '*',
    home.replace('acme.', ''),
    home.replace(/\d+$/, (own) => String(Number(own) + 1)),
  ];
}

type Framing = { readonly how: string; readonly at: string; readonly markup: string };

/** Pages that hold the chat, or the console, where they may not. */
export function framings({ site, home, evil }: Places): readonly Framing[] {
  const frame = (src: string, more = '') => `<iframe src="${src}" ${more}></iframe>`;
  const nested = `${site}/?${new URLSearchParams({ markup: frame(`${home}/`) })}`;
  return [
    { how: 'a frame', at: evil, markup: frame(`${home}/`) },
    {
      how: 'a sandboxed frame',
      at: evil,
      markup: frame(`${home}/`, 'sandbox="allow-scripts allow-same-origin allow-forms"'),
    },
    { how: 'an object', at: evil, markup: `<object data="${home}/" type="text/html"></object>` },
    { how: 'an embedded document', at: evil, markup: `<embed src="${home}/" type="text/html">` },
    { how: 'a named site in a frame', at: evil, markup: frame(nested.replaceAll('&', '&amp;')) },
    { how: 'a frame of the console', at: evil, markup: frame(`${home}/console`) },
    { how: 'a frame of the console, on a named site', at: site, markup: frame(`${home}/console`) },
    { how: 'a frame of the documents, on a named site', at: site, markup: frame(`${home}/docs`) },
  ];
}

/** What the page around it may say to a chat. */
export const foreignMessages: readonly unknown[] = [
  'submit',
  { type: 'token', token: 'x' },
  { text: 'Hello?' },
  { type: 'freehold-session-expired' },
  '{"jsonrpc":"2.0","method":"ask","params":["Hello?"]}',
  { target: 'freehold-chat', call: 'submit', arguments: ['Hello?'] },
];

/** A visitor's own session, and what else there is. */
export type Scope = {
  readonly token: string;
  readonly otherAgent: string;
  /** A conversation of another visitor. */
  readonly conversation: string;
};
type Overreach = {
  readonly what: string;
  readonly method: 'GET' | 'POST';
  readonly host: string;
  readonly path: string;
  readonly body?: unknown;
  readonly token: string;
};

export function overreaches({ token, otherAgent, conversation }: Scope): readonly Overreach[] {
  const own = { method: 'GET', host: 'acme.localhost', token } as const;
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const edited = encode({ ...claims, exp: 4_102_444_800 });
  const ask = { method: 'POST', path: '/v1/responses' } as const;
  return [
    { ...own, what: "another tenant's host", host: 'other.localhost', path: '/v1/conversations' },
    { ...own, what: "the operator's host", host: 'localhost', path: '/operator/v1/tenants' },
    { ...own, what: 'keys', path: '/v1/keys' },
    { ...own, what: 'definitions of agents', path: '/v1/agents' },
    { ...own, what: 'memories', path: '/v1/agents/helper/memories' },
    { ...own, what: 'another agent', ...ask, body: { model: `agent/${otherAgent}`, input: 'Hello?' } },
    { ...own, what: 'a version that is not live', ...ask, body: { model: 'agent/helper@1', input: 'Hello?' } },
    { ...own, what: "another visitor's conversation", path: `/v1/conversations/${conversation}/items` },
    { ...own, what: 'a longer life', path: '/v1/conversations', token: `${header}.${edited}.${signature}` },
    {
      ...own,
      what: 'no signature',
      path: '/v1/conversations',
      token: `${encode({ alg: 'none', typ: 'freehold-visitor+jwt' })}.${payload}.`,
    },
  ];
}
