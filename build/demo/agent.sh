# A scripted agent, as small as it can be: looks like a coding agent in its pane, calls nobody, answers every prompt.
# $1: its name; $2: what it is busy with.
name=$1
task=$2
stty -echo 2>/dev/null
printf '\033]2;%s: %s\007' "$name" "$task"
printf '\033[1m%s\033[0m · scripted agent · %s\n\n' "$name" "$PWD"
printf '● Reading src/parser.ts\n'
printf '● Editing src/parser.ts (+14 -3)\n'
printf '● Running tests: 42 passed, 0 failed\n\n'
printf 'Done with "%s". What next?\n' "$task"
while printf '> ' && IFS= read -r prompt; do
  [ -n "$prompt" ] || continue
  printf '%s\n● Understood: %s\n● Done.\n\n' "$prompt" "$prompt"
done
