// What the browser keeps for us between pages: localStorage, or this page's memory where that is full, forbidden or missing.

const memory: Record<string, string> = {};
let isUsable = true;

export function read<T>(name: string): Partial<T> {
  try {
    return JSON.parse((isUsable && localStorage.getItem(name)) || memory[name] || "{}") || {};
  } catch {
    return JSON.parse(memory[name] || "{}"); // forbidden, or somebody else's text
  }
}

export function write(name: string, value: object): void {
  const text = (memory[name] = JSON.stringify(value));
  try {
    localStorage.setItem(name, text);
  } catch {
    isUsable = false; // what it still has is out of date
  }
}
