# drive.zsh SCRIPT LINES: what zsh offers at the end of each line. Completion works only in the line editor, so a second
# shell runs on a terminal of its own; it does all its work when the editor starts, and then leaves.
zmodload zsh/zpty
folder=$(mktemp -d)
export ZDOTDIR=$folder DRIVE_SCRIPT=$1 DRIVE_LINES=$2 DRIVE_OUT=$folder/out
: >$DRIVE_OUT
cat >$folder/.zshrc <<'RC'
PROMPT= RPROMPT=
autoload -Uz compinit
compinit -D -u
source $DRIVE_SCRIPT
compdef _codex codex
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then
        builtin compadd "$@"
        return
    fi
    local -a found
    builtin compadd -O found "$@"
    (( $#found )) && print -rl -- $found >>$DRIVE_OUT
    builtin compadd "$@"
}
gather() { _main_complete }
zle -C gather complete-word gather
zle-line-init() {
    local line
    while IFS= read -r line; do
        print -r -- "> $line" >>$DRIVE_OUT
        BUFFER=$line CURSOR=$#line
        zle gather
    done <$DRIVE_LINES
    BUFFER=exit
    zle accept-line
}
zle -N zle-line-init
RC
zpty shell "TERM=xterm zsh -d -i"
while zpty -r shell ignored; do :; done
cat $DRIVE_OUT
rm -r $folder
