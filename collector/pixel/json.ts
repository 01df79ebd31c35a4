// JSON as the language means it, on pages that changed it: old libraries give arrays and strings a toJSON of their own, which
// would make a list of products one long text. It is set aside for the moment of the call.

const CHANGED: object[] = [Array.prototype, String.prototype, Object.prototype];

export function textOf(value: unknown): string {
  const undo: (() => void)[] = [];
  for (const prototype of CHANGED) {
    const own = Object.getOwnPropertyDescriptor(prototype, "toJSON");
    if (own && Reflect.deleteProperty(prototype, "toJSON")) undo.push(() => Object.defineProperty(prototype, "toJSON", own));
  }
  try {
    return JSON.stringify(value);
  } finally {
    for (const step of undo) step();
  }
}
