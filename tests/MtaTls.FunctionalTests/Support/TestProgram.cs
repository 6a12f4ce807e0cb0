using System.Globalization;
using MtaTls.Client;
using Xunit.Runner.InProc.SystemConsole;

namespace MtaTls.FunctionalTests.Support;

/// <summary>Starts the tests, or is an application of its own for tests of what a process does.</summary>
internal static class TestProgram
{
    /// <summary>What a process that ended as it was to ends with.</summary>
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

    /// <summary>An ordinary client: a request, and the process ends.</summary>
    private static async Task GetAsync(int port, bool disposes)
    {
        // As most applications do, nothing disposes what is behind the handler.
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
