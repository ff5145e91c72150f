/** The home that commands use without `--home`: its environment variable. */
export const HOME_VARIABLE = 'PRIVVAL_HOME';
