// Videos and sounds that are played, named as the video specification names it. Their events do not bubble, but they are heard on
// the way down: elements that are added later need nothing.
//
// Playing again after the end is a new session, and so is another medium in the same player. A percent counts when the position is there, however it came there.

import type { Definition } from "./conditions.ts";
import { hear } from "./hearing.ts";
import type { Fields } from "./event.ts";
import type { Fire } from "./triggers.ts";
import { uuid } from "./uuid.ts";

/*! if media */
interface Session {
  id: string;
  isPaused: boolean;
  reached: number; // percent
}

const PLAYBACK = "Video Playback ";

export function media(definitions: Definition[], fire: Fire): void {
  if (!definitions.length) return;
  const sessions = new WeakMap<EventTarget, Session>();

  const on = (type: string, heard: (element: HTMLMediaElement, session: Session | undefined) => void) =>
    hear(window, type, ({ target }) => target instanceof HTMLMediaElement && heard(target, sessions.get(target)));

  const tell = (event: string, element: HTMLMediaElement, session: Session, more: Fields, at?: number) => {
    for (const definition of definitions) {
      if (!element.matches(definition.selector as string) || (at && !definition.at?.includes(at))) continue;
      fire({ ...definition, event }, element, { ...facts(element, session.id), ...more });
    }
  };

  on("playing", (element, before) => {
    const session = before || { id: uuid(), isPaused: false, reached: 0 };
    sessions.set(element, session);
    if (before && !before.isPaused) return;
    session.isPaused = false;
    tell(PLAYBACK + (before ? "Resumed" : "Started"), element, session, assets(element));
  });
  on("pause", (element, session) => {
    if (!session || element.ended || element.seeking) return;
    session.isPaused = true;
    tell(`${PLAYBACK}Paused`, element, session, assets(element));
  });
  on("ended", (element, session) => {
    sessions.delete(element);
    if (session) tell(`${PLAYBACK}Completed`, element, session, assets(element));
  });
  on("emptied", (element) => sessions.delete(element)); // another medium is loaded into it
  on("timeupdate", (element, session) => {
    const percent = (100 * element.currentTime) / element.duration;
    if (!session || element.ended || !(percent > session.reached)) return;
    const asset = assetOf(element);
    for (let at = Math.floor(session.reached) + 1; at <= percent; at++) {
      tell("Video Content Playing", element, session, { ...(asset && { asset_id: asset }), percent: at }, at);
    }
    session.reached = percent;
  });
}

function facts(element: HTMLMediaElement, id: string): Fields {
  const { currentTime, duration, volume, muted, title } = element;
  return {
    session_id: id,
    position: Math.round(currentTime),
    ...(duration === Infinity ? { livestream: true } : { total_length: Math.round(duration) }),
    video_player: "html5",
    sound: muted ? 0 : Math.round(volume * 100),
    full_screen: !!document.fullscreenElement?.contains(element),
    ...(title && { title }),
  };
}

const assets = (element: HTMLMediaElement): Fields => {
  const asset = assetOf(element);
  return asset ? { content_asset_ids: [asset] } : {};
};

/** What the site calls it, else its address without what may be a key to it. */
const assetOf = ({ dataset, currentSrc }: HTMLMediaElement): string =>
  dataset.assetId || (/^http/.test(currentSrc) ? currentSrc.replace(/[?#].*/, "") : "");
/*! end */
