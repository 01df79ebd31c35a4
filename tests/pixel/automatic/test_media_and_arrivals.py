"""What is played, and how a visitor came."""

from tests.collector.process import until
from tests.pixel.automatic.pages import Shop, definitions, names
from tests.pixel.browser import Context
from tests.pixel.site import tone

LATE_SOUND = """<button>Play</button><script>document.querySelector("button").onclick = () => {
  const one = Object.assign(new Audio("SOUND?key=1"), {title: "Song"});
  document.body.append(one);
  one.play();
}</script>"""


def test_what_is_played_has_the_names_of_the_video_specification(context: Context, shop: Shop) -> None:
    sound = shop.site.file(".wav", tone(1.0), "audio/wav")
    events = definitions(
        {"event": "Media", "trigger": {"media": {"percents": [25, 50]}}, "properties": {"place": "top"}}
    )
    path = shop.page(LATE_SOUND.replace("SOUND", sound), events=events)
    page = context.page(shop.site.origin() + path)
    page.click("button")
    wanted = [
        "Video Playback Started",
        "Video Content Playing",
        "Video Content Playing",
        "Video Playback Completed",
    ]
    shop.until(page, "Video Playback Completed")
    found = shop.told(page, 4)
    assert names(found) == wanted
    first, quarter, half, last = (event["properties"] for event in found)
    url = f"{shop.site.origin()}{sound}"
    assert len({event["session_id"] for event in (first, quarter, half, last)}) == 1
    assert first | {"session_id": ""} == {
        "session_id": "", "position": 0, "total_length": 1, "video_player": "html5", "sound": 100, "full_screen": False,
        "title": "Song", "content_asset_ids": [url], "place": "top",
    }  # fmt: skip
    assert (quarter["percent"], half["percent"], half["asset_id"]) == (25, 50, url)
    assert last["position"] == 1


PLAYLIST = """<audio src=FIRST muted></audio><button id=play>Play</button><button id=next>Next</button><script>
const player = document.querySelector("audio");
play.onclick = () => player.play();
next.onclick = () => { player.src = "SECOND"; player.play() };
</script>"""


def test_another_medium_in_the_same_player_is_a_session_of_its_own(context: Context, shop: Shop) -> None:
    first, second = (shop.site.file(".wav", tone(seconds), "audio/wav") for seconds in (120, 1))
    events = definitions({"event": "Media", "trigger": {"media": {"percents": []}}})
    html = PLAYLIST.replace("FIRST", first).replace("SECOND", second)
    page = context.page(shop.site.origin() + shop.page(html, events=events))
    page.click("#play")
    shop.until(page, "Video Playback Started")
    page.click("#next")
    shop.until(page, "Video Playback Completed")
    found = [event["properties"] for event in shop.told(page, 3)]
    wanted = [first, second, second]
    assert [event["content_asset_ids"] for event in found] == [[shop.site.origin() + path] for path in wanted]
    assert len({event["session_id"] for event in found[1:]} - {found[0]["session_id"]}) == 1


PLAYED = """<audio src=SOUND></audio><button>Play</button><script>
const sound = document.querySelector("audio");
const heard = (type) => new Promise((done) => sound.addEventListener(type, done, {once: true}));
const play = () => { const playing = heard("playing"); sound.play(); return playing };
document.querySelector("button").onclick = async () => {
  await play();
  const paused = heard("pause");
  sound.pause();
  await paused;
  const ended = heard("ended");
  await play();
  await ended;
  await play();
  document.title = "Played";
};
</script>"""


def test_a_pause_a_resumption_and_a_second_time_are_told_apart(context: Context, shop: Shop) -> None:
    sound = shop.site.file(".wav", tone(1), "audio/wav")
    events = definitions({"event": "Media", "trigger": {"media": {"percents": []}}})
    page = context.page(shop.site.origin() + shop.page(PLAYED.replace("SOUND", sound), events=events))
    page.click("button")
    until(lambda: page.run("document.title") == "Played")
    found = shop.told(page, 5)
    said = [name.removeprefix("Video Playback ") for name in names(found)]
    assert said[5:] in ([], ["Completed"])  # the second time may have ended meanwhile
    assert said[:5] == [
        "Started",
        "Paused",
        "Resumed",
        "Completed",
        "Started",
    ]
    sessions = [event["properties"]["session_id"] for event in found]
    assert len(set(sessions[:4])) == 1
    assert sessions[4] != sessions[0]


def test_an_arrival_is_told_once_and_not_of_a_page_that_is_loaded_again(context: Context, shop: Shop) -> None:
    events = definitions(
        {"event": "Spring", "trigger": {"arrival": {"utm": {"campaign": "Spring*"}}}},
        {"event": "From Mail", "trigger": {"arrival": {"channel": "email"}}},
        {"event": "From News", "trigger": {"arrival": {"referrer": "*.example"}}},
    )
    path = shop.page("<a href='?utm_campaign=springtime&utm_medium=email'>in</a>", events=events)
    news = shop.page(f"<a href='{shop.site.origin()}{path}'>in</a>")
    page = context.page(shop.site.origin("news.example") + news)
    page.click("a")
    page.wait_url(path)
    shop.until(page, "From News")  # of a page that is left before its second script came, nothing is told
    page.run("history.pushState({}, '', '?utm_campaign=spring')")  # no arrival: nobody came
    page.click("a")
    page.wait_url("springtime")
    shop.until(page, "From Mail")
    page.reload()
    found = shop.told(page, 3)
    assert sorted(names(found)) == ["From Mail", "From News", "Spring"]
    (came,) = (event for event in found if event["event"] == "From Mail")
    assert came["context"]["page"]["search"] == "?utm_campaign=springtime&utm_medium=email"
