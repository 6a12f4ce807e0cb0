using System.CommandLine;
using Microsoft.Extensions.Logging;
using MtaTls.Client;
using MtaTls.Tool.Gateways;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls connect</c>: connects one channel to standard input and output, as <c>nc</c> does for TCP.</summary>
internal static class ConnectCommand
{
    public static Command Create(Terminal terminal, LoggingOptions logging)
    {
        Argument<HostAndPort> gateway = GatewayOptions.Gateway();
        Argument<HostAndPort> destination = GatewayOptions.HostArgument("destination", "The destination of the channel: host:port.", null);
        var gateways = new GatewayOptions();
        var command = new Command("connect", "Connects standard input and output to a destination behind a gateway (for ssh's ProxyCommand).") { gateway, destination };
        gateways.AddTo(command);
        command.SetAction((parsed, stop) =>
        {
            var run = new GatewayRun(terminal, logging, gateways, parsed, parsed.GetValue(gateway));
            return run.RunAsync(logs => ConnectAsync(run, parsed.GetValue(destination), logs, stop), stop: stop);
        });
        return command;
    }

    private static async Task<int> ConnectAsync(GatewayRun run, HostAndPort destination, ILoggerFactory logs, CancellationToken stop)
    {
        await using MtaTlsClient client = await MtaTlsClient.ConnectAsync(run.CreateOptions(logs), stop);
        await using MtaTlsClientChannel channel = await client.OpenChannelAsync(destination.ToChannelAddress(), cancellationToken: stop);
        await using Stream input = Console.OpenStandardInput();
        await using Stream output = Console.OpenStandardOutput();
        // A channel has no half close. After the end of the input the destination may still send, so the command waits for the destination's end.
        Task sending = input.CopyToAsync(channel, stop);
        Task receiving = channel.CopyToAsync(output, stop);
        if (await Task.WhenAny(sending, receiving) == sending && !sending.IsCompletedSuccessfully)
        {
            channel.Abort();
        }

        await receiving;
        return ExitCode.Success;
    }
}
