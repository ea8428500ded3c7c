# drive.fish SCRIPT LINES: what fish offers at the end of each line.
source $argv[1]
while read --line line
    echo "> $line"
    complete "-C$line" | string split --fields 1 \t
end <$argv[2]
