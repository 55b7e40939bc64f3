/** The product's version: the one of package.json, of which nothing else goes into the executable. */
import { version } from "../../package.json" with { type: "json" };

export const VERSION: string = version;
