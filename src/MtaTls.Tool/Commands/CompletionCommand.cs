using System.CommandLine;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls completion</c>: prints a script with which a shell completes the command line. The script asks this command for the words.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _mtatls() {
            local IFS=$'\n' word="${COMP_WORDS[COMP_CWORD]}"
            COMPREPLY=($(compgen -W "$(mtatls "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word"))
            [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
        }
        complete -F _mtatls mtatls
        """;

    private const string Zsh = """
        #compdef mtatls
        _mtatls() {
            local -a words_found
            words_found=("${(@f)$(mtatls "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
            if [ -n "$words_found" ]; then compadd -- $words_found; else _files; fi
        }
        compdef _mtatls mtatls
        """;

    private const string Fish = """
        complete -c mtatls -f -a '(set -l line (commandline -cp); mtatls "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)'
        """;

    public static Command Create(Terminal terminal)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Prints a script with which a shell completes this command: source <(mtatls completion bash)") { shell };
        command.SetAction(parsed =>
        {
            terminal.WriteLine(parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return ExitCode.Success;
        });
        return command;
    }
}
