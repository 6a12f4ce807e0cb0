using Microsoft.Extensions.Logging.Testing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.FunctionalTests.Client;

public sealed class ProcessExitTests
{
    /// <summary>Handlers share their sessions, so no handler ends them. The end of the process ends them with close_notify, and the server sees no failure.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_process_that_exits_ends_its_shared_sessions_with_close_notify(bool disposes)
    {
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"));
        await ChildProcess.RunAsync(typeof(ProcessExitTests).Assembly, TestProgram.Success, [], "get", $"{app.Port}", $"{disposes}");
        await Wait.UntilAsync(() => Named("SessionEnded").Length == 1);
        Assert.Empty(Named("SessionFailed"));
        Assert.Empty(Named("SessionLost"));

        FakeLogRecord[] Named(string name) => [.. app.Logs.GetSnapshot().Where(r => r.Id.Name == name)];
    }
}
