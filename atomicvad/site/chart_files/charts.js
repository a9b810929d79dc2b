// Draws the charts of a page from the specifications beside them, in place of their pictures.
"use strict";

(async () => {
  const views = {};
  for (const data of document.querySelectorAll("script[data-chart]")) {
    const name = data.dataset.chart;
    const options = {actions: false, renderer: "svg"};
    const place = document.getElementById(name), picture = place.innerHTML;
    try {
      views[name] = (await vegaEmbed(place, JSON.parse(data.textContent), options)).view;
    } catch (error) {
      place.innerHTML = picture;
      console.error(error);
    }
  }
  const map = views["chart-atlas"], scores = views["chart-atlas-scores"];
  if (map && scores) listenToCases(map, scores);
})();

// A player of the case whose scores are shown; a click on the map chooses the case, and plays it.
function listenToCases(map, scores) {
  const sounds = {};
  for (const source of document.querySelectorAll("tr audio source")) {
    const title = source.closest("tr").cells[0].textContent;
    sounds[title.slice(title.indexOf(": ") + 2)] = source.src;
  }
  const player = document.createElement("audio");
  player.controls = true;
  player.preload = "none";
  player.setAttribute("aria-label", "the case that is chosen");
  document.getElementById("chart-atlas-scores").after(player);

  const choose = name => {
    player.hidden = !sounds[name];
    if (sounds[name]) player.src = sounds[name];
    else player.pause();
  };
  const follow = () => scores.signal("at", player.currentTime).runAsync();
  choose(scores.signal("chosen"));
  scores.addSignalListener("chosen", (_, name) => choose(name));
  player.addEventListener("timeupdate", follow);
  player.addEventListener("emptied", follow);
  map.addEventListener("click", async (_, item) => {
    if (!item?.datum?.case) return;
    await scores.signal("chosen", item.datum.case).runAsync();
    document.getElementById("chart-atlas-scores").scrollIntoView({block: "center"});
    if (!player.hidden) player.play().catch(() => {}); // another one was chosen before it began
  });
}
