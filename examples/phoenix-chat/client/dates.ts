// Times of day and names of days, as the reader's own language has them.
const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const anyYear = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

export const timeOf = (at: number): string => clock.format(at);
export const momentOf = (at: number): string => full.format(at);

/** "Today", "Yesterday", or the day's name. */
export function dayName(at: number, now: number): string {
  const [day, today] = [new Date(at), new Date(now)];
  if (day.toDateString() === today.toDateString()) return "Today";
  today.setDate(today.getDate() - 1);
  if (day.toDateString() === today.toDateString()) return "Yesterday";
  return (day.getFullYear() === new Date(now).getFullYear() ? thisYear : anyYear).format(at);
}
