using System.CommandLine;

namespace MtaTls.Samples.Quickstart;

/// <summary>The command line.</summary>
internal sealed record Arguments(int Channels, int Rounds, int Port, bool Serve)
{
    /// <summary>Parses the command line and runs the sample; a wrong option ends with a message.</summary>
    public static Task<int> RunAsync(string[] args, Func<Arguments, Task<int>> run)
    {
        var channels = new Option<int>("--channels") { Description = "Channels, and TLS connections beside them: 1 to 5000.", DefaultValueFactory = _ => 200 };
        var rounds = new Option<int>("--rounds") { Description = "Rounds of requests in each.", DefaultValueFactory = _ => 100 };
        var port = new Option<ushort>("--port") { Description = "The port to listen on. Default: any that is free, 8443 with --serve." };
        var serve = new Option<bool>("--serve") { Description = "Keep serving afterwards, for curl and browsers." };
        var root = new RootCommand("A web app behind UseMtaTls(), and a client that compares channels of one TLS session with TLS connections.") { channels, rounds, port, serve };
        root.Validators.Add(result =>
        {
            if (result.GetValue(channels) is < 1 or > 5000)
            {
                result.AddError("--channels must be from 1 to 5000.");
            }

            if (result.GetValue(rounds) < 1)
            {
                result.AddError("--rounds must be at least 1.");
            }
        });
        root.SetAction((parsed, _) =>
        {
            bool keep = parsed.GetValue(serve);
            return run(new Arguments(parsed.GetValue(channels), parsed.GetValue(rounds), parsed.GetResult(port) is null && keep ? 8443 : parsed.GetValue(port), keep));
        });
        return root.Parse(args).InvokeAsync();
    }
}
