# drive.elv SCRIPT LINES: what elvish offers at the end of each line. The editor is not there without a terminal, so the two
# things that the script wants from it are replaced.
use str
var complete = [&]
fn candidate {|text &display=''| put $text }
var script = (slurp < $args[0])
set script = (str:replace 'set edit:completion:arg-completer' 'set complete' $script)
set script = (str:replace 'edit:complex-candidate' 'candidate' $script)
set script = (str:replace '(wcswidth $text)' '(count $text)' $script)
eval $script &ns=(ns [&complete=$complete &candidate~=$candidate~]) &on-end={|made| set complete = $made[complete] }
for line [(slurp < $args[1] | str:split "\n" (all))] {
    if (not-eq $line '') {
        echo '> '$line
        var words = [(str:split ' ' $line)]
        try { $complete[codex] $@words | each {|word| echo $word } } catch { echo nothing }
    }
}
