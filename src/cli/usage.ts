/** Help and usage text, from the specification of a command. */
import { allOptions } from "./args.ts";
import type { Command, OptionSpec } from "./command.ts";

/** `usage: agenttower config paths [options]` */
export function usageLine(path: readonly string[], command: Command): string {
  const { positionals, children, alone } = command.spec;
  const words = [...path];
  if (Object.keys(children).length > 0) words.push(alone === "run" ? "[COMMAND]" : "COMMAND");
  for (const [name, { required }] of Object.entries(positionals)) words.push(required ? name : `[${name}]`);
  for (const [name, option] of Object.entries(command.spec.options)) {
    if (option.required) words.push(`--${name} ${valueName(name, option)}`);
  }
  words.push("[OPTIONS]");
  return `usage: ${words.join(" ")}`;
}

/** Everything about a command; a group lists all commands below it. */
export async function usageText(path: readonly string[], command: Command): Promise<string> {
  const { spec } = command;
  const isRoot = path.length === 1;
  const sections = [`${usageLine(path, command)}\n\n${spec.summary}\n`];
  if (spec.notes) sections.push(`${spec.notes}\n`);
  const commands = await commandRows(command, []);
  if (commands.length > 0) sections.push(`commands:\n${rows(commands)}`);
  const positionals = Object.entries(spec.positionals).map(
    ([name, { summary, values }]): Row => [name, values ? `${summary} (${values.join(", ")})` : summary],
  );
  if (positionals.length > 0) sections.push(`arguments:\n${rows(positionals)}`);
  const options = Object.entries(allOptions(command, isRoot))
    .filter(([, option]) => !option.hidden)
    .map(([name, option]): Row => [optionName(name, option), optionSummary(option)]);
  sections.push(`options:\n${rows(options)}`);
  sections.push(
    `example${spec.examples.length > 1 ? "s" : ""}:\n${spec.examples.map((line) => `  ${line}\n`).join("")}`,
  );
  return sections.join("\n");
}

type Row = [name: string, summary: string];

async function commandRows(command: Command, path: readonly string[]): Promise<Row[]> {
  const found: Row[] = [];
  for (const [name, load] of Object.entries(command.spec.children)) {
    const child = await load();
    if (child.spec.hidden) continue;
    const childPath = [...path, name];
    if (child.spec.alone === "run") found.push([childPath.join(" "), child.spec.summary]);
    found.push(...(await commandRows(child, childPath)));
  }
  return found;
}

function valueName(name: string, { hint, values }: OptionSpec): string {
  return values ? values.join("|") : (hint ?? name.toUpperCase().replaceAll("-", "_"));
}

function optionName(name: string, option: OptionSpec): string {
  const short = option.short ? `-${option.short}, ` : "";
  return `${short}--${name}${option.type === "string" ? ` ${valueName(name, option)}` : ""}`;
}

function optionSummary({ summary, list, required }: OptionSpec): string {
  return `${summary}${list ? " (repeatable)" : ""}${required ? " (required)" : ""}`;
}

function rows(all: readonly Row[]): string {
  const width = Math.max(...all.map(([name]) => name.length));
  return all.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}\n`).join("");
}
