/** The words that names and contents of all histories hold, so that they can be looked for. */

/** Names hold a word to look for on the server, and come with twins that differ in case or Unicode form only. */
export const secretWord = 'orchard'
export const contentWord = 'canary'
export const refusedCharacter = ':'
