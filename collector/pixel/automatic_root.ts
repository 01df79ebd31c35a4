// The root of the script with the automatic events. It stands in front of pixel.js, in the same file that a browser loads, where a
// source's configuration has something for it to do: whoever calls everything by hand does not pay for it.

import { automatic } from "./automatic.ts";

const me = window as { stitchline?: { automatic?: typeof automatic } };
(me.stitchline = me.stitchline || {}).automatic = automatic;
