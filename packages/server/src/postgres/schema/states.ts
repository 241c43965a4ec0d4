// SQL states of Calla's own. Whatever raises one has done nothing.

/** A row is another one than was compared with. */
export const STATE_ROW = "CA001";
/** The log is another one than the caller was told of, or has another version, or stands elsewhere. */
export const STATE_UNFIT = "CA002";
/** A newer Calla has changed the schema. */
export const STATE_NEWER = "CA003";
/** The schema holds tables of somebody else's. */
export const STATE_FOREIGN = "CA004";
/** A log stands there, or has been written to, that would be written over. */
export const STATE_USED = "CA005";
/** Another run of the move goes on with it, or it is done. */
export const STATE_TAKEN = "CA006";
