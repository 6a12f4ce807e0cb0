using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MtaTls.QuicTunnel.Interfaces;

/// <summary>Runs the programs of Interface:Up and Interface:Down, for example to set name servers and routes.</summary>
internal static class InterfaceHook
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    /// <summary>Runs a program and waits until it ends. A failure is only logged, and the tunnel continues.</summary>
    public static void Run(string hook, IList<string> command, TunnelInterfaceOptions options, ILogger logger)
    {
        if (command.Count == 0)
        {
            return;
        }

        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true };
        start.Environment["TUNNEL_HOOK"] = hook;
        start.Environment["TUNNEL_INTERFACE"] = options.Name;
        start.Environment["TUNNEL_ADDRESSES"] = string.Join(' ', options.Addresses);
        start.Environment["TUNNEL_MTU"] = options.Mtu.ToString(System.Globalization.CultureInfo.InvariantCulture);
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            if (!process.WaitForExit(s_timeout))
            {
                process.Kill(entireProcessTree: true);
                logger.HookFailed(hook, command[0], $"It did not end within {s_timeout.TotalSeconds:f0} s and was killed.");
            }
            else if (process.ExitCode != 0)
            {
                // The program's output goes to the application's own output.
                logger.HookFailed(hook, command[0], $"It ended with exit code {process.ExitCode}.");
            }
            else
            {
                logger.HookRan(hook, command[0]);
            }
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
        {
            logger.HookFailed(hook, command[0], exception.Message);
        }
    }
}
