/** Styles are imported as text and become Lit's shared style sheets. */
declare module '*.css' {
  const text: string;
  export default text;
}

/** Set by web/build: the canned engine instead of the real one. */
declare const SKEP_FAKE: boolean;
/** File names beside the script that hold the engine. */
declare const SKEP_WASM: string;
declare const SKEP_WORKER: string;
/** The verifier's module, loaded later. */
declare const SKEP_VERIFY: string;
/** The engine with a compiler, loaded for the first run at full speed. */
declare const SKEP_RUN: string;
/** The module that shows machine code, loaded when it is looked at. */
declare const SKEP_LISTING: string;
/** The grader's module, loaded on lab pages. */
declare const SKEP_GRADE: string;
/** The gallery: web.Example in Go. */
declare const SKEP_GALLERY: readonly {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly watch: string;
  readonly order: number;
  readonly hook: string;
  readonly lang: 'c' | 'asm';
  readonly source: string;
  readonly object?: string;
  readonly program?: string;
  readonly input?: readonly string[];
  readonly events?: readonly string[];
  readonly maps?: readonly { readonly map: string; readonly key: string; readonly value: string }[] | null;
  readonly step?: number;
}[];
