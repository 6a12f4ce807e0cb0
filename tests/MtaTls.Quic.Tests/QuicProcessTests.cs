using MtaTls.Quic;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Quic.Tests;

public class QuicProcessTests
{
    /// <summary>A process that ends during handshakes and transfers ends with its own exit code, not with a signal.</summary>
    [Theory]
    [InlineData("handshake")]
    [InlineData("transfer")]
    public async Task Process_exits_in_the_middle_of_work(string work)
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        for (int seed = 0; seed < 10; seed += 2)
        {
            await Task.WhenAll(RunAsync("exit", work, $"{seed}"), RunAsync("exit", work, $"{seed + 1}"));
        }
    }

    private static Task RunAsync(params string[] arguments) => ChildProcess.RunAsync(typeof(QuicProcessTests).Assembly, Program.Success, [], arguments);
}
