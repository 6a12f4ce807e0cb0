using System.Globalization;
using MtaTls.Client;
using Xunit.Runner.InProc.SystemConsole;

namespace MtaTls.FunctionalTests.Support;

/// <summary>Starts the tests, or runs as a separate application for tests of processes.</summary>
internal static class TestProgram
{
    /// <summary>The exit code of a process that has succeeded.</summary>
    public const int Success = 42;

    public static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["get", var port, var disposes]:
                await GetAsync(int.Parse(port, CultureInfo.InvariantCulture), bool.Parse(disposes));
                return Success;
            default:
                return await ConsoleRunner.Run(arguments);
        }
    }

    /// <summary>Runs an ordinary client: it sends a request, and the process exits.</summary>
    private static async Task GetAsync(int port, bool disposes)
    {
        // As in most applications, nothing disposes the handler's sessions.
        var http = new HttpClient(new SocketsHttpHandler().UseMtaTls(o =>
        {
            (o.Host, o.Port) = ("localhost", port);
            o.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        }));
        await http.GetStringAsync(new Uri($"https://localhost:{port}/"));
        if (disposes)
        {
            http.Dispose();
        }
    }
}
