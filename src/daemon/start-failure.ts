/** The daemon could not start: one line for standard error and the exit code (01 §7). */
export class StartFailure extends Error {
  readonly exitCode: 1 | 2;

  /** @param text the line after `error: `, without a line break */
  constructor(exitCode: 1 | 2, text: string) {
    super(text);
    this.name = "StartFailure";
    this.exitCode = exitCode;
  }
}
