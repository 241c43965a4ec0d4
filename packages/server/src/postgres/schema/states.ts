// SQL states of Calla's own. Whatever raises one has done nothing.

/** A row is another one than was compared with. */
export const STATE_ROW = "CA001";
/** The log is another one than the caller was told of, or has another version, or stands elsewhere. */
export const STATE_UNFIT = "CA002";
/** A newer Calla has changed the schema. */
export const STATE_NEWER = "CA003";
/** The schema holds tables of somebody else's. */
export const STATE_FOREIGN = "CA004";
