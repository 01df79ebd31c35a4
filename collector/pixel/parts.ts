// The root of the second script: what makes events without a call, in those parts that a source's configuration has work for. The
// first one (index.ts) asks for it when it has made the page's first events, and calls what is exported here.
//
// What stands between `if` and `end`, here and elsewhere, is served where the configuration has something for one of the named
// parts to do (collector/pixel_parts.py).

export { automatic } from "./automatic.ts";
