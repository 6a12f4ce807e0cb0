using MtaTls.Tool.Tests.Support;

namespace MtaTls.Tool.Tests.Programs;

/// <summary>Real shells complete the command line.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mtatls-completion-");

    public CompletionTests()
    {
        string command = Path.Combine(_folder.FullName, "mtatls");
        File.WriteAllText(command, $"#!/bin/sh\nexec {RunningProgram.MtatlsCommandLine} \"$@\"\n");
        File.SetUnixFileMode(command, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Bash_completes_commands_and_options()
    {
        string output = await RunAsync("bash", """
            source <(mtatls completion bash)
            ask() { COMP_LINE="$1"; COMP_POINT=${#1}; read -ra COMP_WORDS <<<"$1"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mtatls; echo "${COMPREPLY[*]}"; }
            ask "mtatls fo"
            ask "mtatls http 5000 --gat"
            """);
        Assert.Equal(["forward", "--gateway"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Fish_completes_commands_and_options()
    {
        string output = await RunAsync("fish", """
            mtatls completion fish | source
            complete -C "mtatls fo"
            complete -C "mtatls http 5000 --gat"
            """);
        Assert.Equal(["forward", "--gateway"], output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task The_script_for_zsh_is_valid()
        => Assert.Contains("compdef", await RunAsync("zsh", "eval \"compdef() { echo compdef $*; }; $(mtatls completion zsh)\""), StringComparison.Ordinal);

    private async Task<string> RunAsync(string shell, string script)
    {
        await using var program = RunningProgram.Start(shell, ["-c", script], new Dictionary<string, string> { ["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}" });
        Assert.Equal(0, await program.ExitAsync());
        return program.Output;
    }
}
