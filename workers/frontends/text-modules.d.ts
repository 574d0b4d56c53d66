/** What the bundler's `Text` rule makes of a page's files: a string. */
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
