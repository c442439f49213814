// Durations and distances in time by the server's rules (`view/format/spans.rs`): other ones would
// change the text as the page loads.
const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
const FEW = 3;

const pair = (count, unit, rest, smaller, width = 1) => `${count} ${unit} ${String(rest).padStart(width, "0")} ${smaller}`;

function longDuration(seconds) {
  const whole = Math.round(seconds);
  const [days, hours, minutes] = [whole / DAY, (whole / HOUR) % 24, (whole / MINUTE) % 60].map(Math.floor);
  if (days) return pair(days, "d", hours, "h");
  return hours ? pair(hours, "h", minutes, "m", 2) : pair(minutes, "m", whole % MINUTE, "s", 2);
}

/** How long something has run: with tenths always, so that a column keeps its width. */
export function elapsed(ms) {
  const seconds = Math.max(0, ms) / 1000;
  return seconds < 59.95 ? `${seconds.toFixed(1)} s` : longDuration(seconds);
}

function age(seconds) {
  const [minutes, hours, days] = [seconds / MINUTE, seconds / HOUR, seconds / DAY].map(Math.floor);
  if (!hours) return `${minutes} m`;
  if (!days) return hours < FEW && minutes % 60 ? pair(hours, "h", minutes % 60, "m", 2) : `${hours} h`;
  if (days < FEW && hours % 24) return pair(days, "d", hours % 24, "h");
  if (days < 60) return `${days} d`;
  return days < 730 ? `${Math.floor(days / 30)} mo` : `${Math.floor(days / 365)} y`;
}

/** How long ago `seconds` have passed; what is to come has passed less than nothing. */
export function ago(seconds) {
  const distance = Math.abs(seconds);
  if (distance < MINUTE) return seconds < -1 ? "in a moment" : "just now";
  return seconds < 0 ? `in ${age(distance)}` : `${age(distance)} ago`;
}
