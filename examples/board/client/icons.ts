/** The icons' paths, in a box of 24 by 24. */
export const icons = {
  grip: "M9 5v.01M9 12v.01M9 19v.01M15 5v.01M15 12v.01M15 19v.01",
  cross: "M6 6l12 12M18 6L6 18",
  link: "M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7l-1.4 1.4M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7l1.4-1.4",
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  dots: "M5 12v.01M12 12v.01M19 12v.01",
  undo: "M9 6L4 11l5 5M4 11h10a5.5 5.5 0 0 1 0 9h-3",
  redo: "M15 6l5 5-5 5M20 11H10a5.5 5.5 0 0 0 0 9h3",
  arrow: "M5 3l14 7.2-6.2 1.9L9.6 18z",
} as const;
