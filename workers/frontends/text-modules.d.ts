/**
 * What the bundler's `Text` rule makes of a page's files: a string. A `*.client.js` file is the browser's, never run at
 * the edge; only its text is served.
 */
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
declare module '*.client.js' {
  const text: string;
  export default text;
}
