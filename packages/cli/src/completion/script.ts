/** What can be completed: a command with its options, and the words that its arguments may be. */
export interface Completable {
  readonly name: string;
  readonly description: string;
  readonly words: readonly string[];
}

/**
 * A script for a shell. It completes commands, options and files; nothing is run while a person types.
 */
export function completionScript(shell: 'bash' | 'zsh', commands: readonly Completable[]): string {
  return shell === 'bash' ? bash(commands) : zsh(commands);
}

function bash(commands: readonly Completable[]): string {
  const cases = commands.map(({ name, words }) => `    ${name}) words='${words.join(' ')}' ;;`);
  return `_openfero() {
  local current=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _openfero openfero kubectl-openfero`;
}

function zsh(commands: readonly Completable[]): string {
  const quoted = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
  const lines = commands.map(({ name, description }) => `    '${name}:${quoted(description)}'`);
  const cases = commands.map(
    ({ name, words }) => `    ${name}) compadd -- ${words.join(' ')}; _files ;;`,
  );
  return `#compdef openfero kubectl-openfero
_openfero() {
  local -a commands
  commands=(
${lines.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${cases.join('\n')}
  esac
}
compdef _openfero openfero kubectl-openfero`;
}
