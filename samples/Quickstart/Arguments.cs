using System.CommandLine;
using System.CommandLine.Parsing;

namespace MtaTls.Samples.Quickstart;

/// <summary>The command line.</summary>
internal sealed record Arguments(int Channels, int Rounds, int Port, bool Serve)
{
    /// <summary>Parses the command line and runs the sample. An invalid option ends with a message.</summary>
    public static Task<int> RunAsync(string[] args, Func<Arguments, Task<int>> run)
    {
        var channels = new Option<int>("--channels") { Description = "The number of channels, and of TLS connections to compare with: 1 to 5000.", DefaultValueFactory = _ => 200 };
        var rounds = new Option<int>("--rounds") { Description = "The number of requests in each, one after another.", DefaultValueFactory = _ => 100 };
        var port = new Option<ushort>("--port") { Description = "The port to listen on. Default: a free port, with --serve 8443." };
        var serve = new Option<bool>("--serve") { Description = "Keep serving afterwards, for curl and browsers." };
        // On the options, because validators of a command do not see the defaults of options.
        channels.Validators.Add(static result => Check(result, 5000, "--channels must be from 1 to 5000."));
        rounds.Validators.Add(static result => Check(result, int.MaxValue, "--rounds must be at least 1."));
        var root = new RootCommand("A web app behind UseMtaTls(), and a client that compares channels of one TLS session with TLS connections.") { channels, rounds, port, serve };
        root.SetAction((parsed, _) =>
        {
            bool keep = parsed.GetValue(serve);
            return run(new Arguments(parsed.GetValue(channels), parsed.GetValue(rounds), parsed.GetResult(port) is null && keep ? 8443 : parsed.GetValue(port), keep));
        });
        return root.Parse(args).InvokeAsync();
    }

    // The parser itself reports a value that is not a number.
    private static void Check(OptionResult result, int most, string error)
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < 1 || value > most))
        {
            result.AddError(error);
        }
    }
}
