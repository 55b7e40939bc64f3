/**
 * The completion script of bash (00 §2). Our own, because a key press must run nothing of what is typed and needs no package beside
 * bash: the words go to `agenttower complete` as they are, and its answers are compared, never evaluated.
 *
 * bash cuts words at `=`, so an option and its value are put together again for the question.
 */
export const BASH_COMPLETION = `# bash completion for agenttower
_agenttower() {
    local -a words=()
    local i value typed
    for ((i = 1; i <= COMP_CWORD; i++)); do
        if ((\${#words[@]} > 0)) && [[ \${COMP_WORDS[i]} == = || \${COMP_WORDS[i - 1]} == = ]] && [[ \${words[-1]} == --* ]]; then
            words[-1]+=\${COMP_WORDS[i]}
        else
            words+=("\${COMP_WORDS[i]}")
        fi
    done
    typed=\${words[-1]}
    [[ $typed == --*=* ]] && typed=\${typed#*=}
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        [[ $value == :* ]] && break
        [[ $value == "$typed"* ]] && COMPREPLY+=("$value")
    done < <(agenttower complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _agenttower agenttower
`;
