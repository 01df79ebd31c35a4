/** What an event may say besides: its context, where it may go, when it happened. */
export interface Options {
  context?: Record<string, unknown>;
  integrations?: Record<string, unknown>;
  timestamp?: string | Date;
}

export type Fields = Record<string, unknown>;

/** Called back when the event is with the collector or refused by it, and after 300 ms at the latest. */
export type Callback = () => void;

export type More = [options?: Options, callback?: Callback] | [callback: Callback];

/** No call throws. An event is the values of the moment of the call. */
export interface Stitchline {
  page(category: string, name: string, properties?: Fields, ...more: More): void;
  page(name?: string, properties?: Fields, ...more: More): void;
  page(properties: Fields, ...more: More): void;
  track(event: string, properties?: Fields, ...more: More): void;
  track(event: string, callback: Callback): void;
  identify(userId: string | number | null | undefined, traits?: Fields, ...more: More): void;
  identify(traits: Fields, ...more: More): void;
  group(groupId: string | number | null | undefined, traits?: Fields, ...more: More): void;
  group(traits: Fields, ...more: More): void;
  alias(userId: string, previousId?: string, ...more: More): void;
  setAnonymousId(id: string): void;
  /** A log-out: a new anonymousId, and user, traits and group are forgotten. */
  reset(): void;
  /** Calls back when the collector has said whose browser it is, or could not. */
  ready(callback: (visitor: { anonymousId: string; userId: string | undefined }) => void): void;
  /** The visitor's decision, by category; null takes it back. */
  consent(choice: Record<string, boolean> | null, options?: { remember?: boolean }): void;
}

/** The source's settings, as `GET /pixel/WRITE_KEY.js` has them in its first line. What is left out is the default. */
export interface Settings {
  /** The source's write key. */
  key: string;
  /** The collector's address, such as https://events.shop.example. */
  host: string;
  /** Paths of the site's own choice on that host. */
  paths?: { batch?: string; visitor?: string };
  /** Page views without a call. */
  pages?: boolean;
  events?: Fields[];
  emails?: "plain" | "sha256";
  domains?: string[];
  consent?: { categories: string[]; needed: string; before?: "wait" | "cookieless" | "send"; denied?: "drop" | "cookieless" };
  gpc?: "cookieless" | "drop" | "ignore";
  dnt?: "cookieless" | "drop" | "ignore";
  /** Nothing is kept in the browser, and no cookie is asked for. */
  cookieless?: boolean;
}

/**
 * Starts the pixel, once in a page: whoever loads it again, or has the snippet, too, gets the same. On a server it gives calls that
 * do nothing.
 */
export function load(settings: Settings): Stitchline;
