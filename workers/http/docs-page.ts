/** The OpenAPI document as a page to read: plain HTML, no script, one section a tag. */
import type { OpenApiDocument, OpenApiOperation } from './openapi.ts';
import { escapeHtml } from '../../shared/core/escape-html.ts';

export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      [operation, operation['x-other-host']].flatMap((each) =>
        each ? [{ path, method: method.toUpperCase(), operation: each }] : [],
      ),
    ),
  );
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<section id="${escapeHtml(name)}"><h2>${escapeHtml(name)}</h2>${own.map(renderOperation).join('')}</section>`;
  });
  const links = document.tags.map(({ name }) => `<li><a href="#${escapeHtml(name)}">${escapeHtml(name)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Freehold API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<header><h1>Freehold API</h1><p>${escapeHtml(String(document.info['description']))} The same as data: <a href="/openapi.json">openapi.json</a>.</p></header>
<nav aria-label="Sections"><ul>${links.join('')}</ul></nav>
<main>${sections.join('')}</main>
</body>
</html>`;
}

type Listed = { readonly path: string; readonly method: string; readonly operation: OpenApiOperation };

function renderOperation({ path, method, operation }: Listed): string {
  const permission = operation['x-permission']
    ? `<p>Needs <code>${escapeHtml(operation['x-permission'])}</code>.</p>`
    : '';
  return `<details id="${operation.operationId}"><summary><b>${method}</b> <code>${escapeHtml(path)}</code> ${escapeHtml(operation.summary)}</summary>
${permission}${renderParameters(operation)}${renderBody(operation)}<p>Answers: ${Object.keys(operation.responses).join(', ')}.</p></details>`;
}

function renderParameters({ parameters }: OpenApiOperation): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    ({ name, in: place, required, description }) =>
      `<tr><td><code>${escapeHtml(String(name))}</code></td><td>${String(place)}${required === true ? ', required' : ''}</td><td>${escapeHtml(String(description ?? ''))}</td></tr>`,
  );
  return `<table><thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function renderBody({ requestBody }: OpenApiOperation): string {
  if (!requestBody) return '';
  return `<h3>Body</h3><pre>${escapeHtml(JSON.stringify(requestBody, null, 2))}</pre>`;
}
