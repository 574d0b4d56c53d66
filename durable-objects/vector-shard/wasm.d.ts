/** A compiled module, as workerd hands it out. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
