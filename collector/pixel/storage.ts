// What the browser keeps for us between pages: localStorage, or this page's memory where that is full, forbidden, missing, or not
// wanted. Nothing is read there and nothing is written while `isWanted` says no.

import { attempt } from "./attempt.ts";
import { textOf } from "./json.ts";

const OURS = /^stitchline($|\.queue|\.pause)/; // a decision on consent is kept by itself (consent.ts)

export type Storage = ReturnType<typeof storage>;

export function storage(isWanted: () => boolean) {
  const memory: Record<string, string> = {};
  const isStale: Record<string, boolean> = {}; // what is still there could not be replaced

  const local = <T>(act: (store: globalThis.Storage) => T): T | undefined => attempt(() => (isWanted() ? act(localStorage) : undefined));

  return {
    read: <T>(name: string): Partial<T> => parsed((!isStale[name] && local((store) => store.getItem(name))) || memory[name]),
    /** Whether it will be there on the next page. */
    write: (name: string, value: object): boolean => {
      const text = (memory[name] = attempt(() => textOf(value)) || "");
      const isKept = !!local((store) => (store.setItem(name, text), store.getItem(name) === text)); // some take it, and keep nothing
      isStale[name] = !isKept && isWanted();
      return isKept;
    },
    remove: (name: string): void => {
      delete memory[name];
      local((store) => store.removeItem(name));
    },
    /** Those names of ours that begin so. */
    names: (prefix: string): string[] => local((store) => Object.keys(store).filter((name) => name.startsWith(prefix))) || [],
    /** From now on it is wanted: what was learnt meanwhile goes before what was kept. */
    merge: (name: string): void => {
      local((store) => memory[name] && store.setItem(name, textOf({ ...parsed(store.getItem(name)), ...parsed(memory[name]) })));
    },
    /** From now on it is not: what was kept goes. */
    forget: (): void => {
      for (const name of Object.keys(memory)) delete memory[name];
      attempt(() => {
        for (const name of Object.keys(localStorage)) if (OURS.test(name)) localStorage.removeItem(name);
      });
    },
  };
}

const parsed = (text: string | null | undefined) => attempt(() => JSON.parse(text || "{}")) || {};
