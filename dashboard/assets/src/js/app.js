// What the pages need beyond HTML. Each module looks for its own elements and does nothing without them.
import "./htmx.js";
import { onSwap } from "./dom.js";
import { localTimes } from "./time.js";
import { theme } from "./theme.js";
import { live } from "./live.js";
import { keys } from "./keys.js";
import { palette } from "./palette.js";
import { charts } from "./chart.js";
import { graph } from "./graph.js";
import { widgets } from "./widgets.js";
import { watch } from "./watch.js";
import { find } from "./find.js";
import { keep } from "./keep.js";
import { scope } from "./scope.js";

for (const start of [localTimes, theme, live, keys, palette, charts, graph, widgets, watch, find, keep, scope]) start();
onSwap(localTimes);
onSwap(graph);
onSwap(watch);
