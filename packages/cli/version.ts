/** What `anysync --version` says and servers are told at login; test/tidy.test.ts keeps it equal to the packages'. */
export const version = '0.1.0'
