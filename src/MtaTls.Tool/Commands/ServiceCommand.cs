using System.CommandLine;
using System.Diagnostics;
using System.Text;
using MtaTls.Tool.Output;

namespace MtaTls.Tool.Commands;

/// <summary><c>mtatls service install</c>: installs a systemd unit that runs this command.</summary>
internal static class ServiceCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("service", "Runs mtatls as a systemd service.");
        var words = new Argument<string[]>("command") { Description = "The command for the service, after --: serve --config /etc/mtatls/appsettings.json", Arity = ArgumentArity.OneOrMore };
        var name = new Option<string>("--name") { Description = "The service's name.", DefaultValueFactory = _ => "mtatls" };
        var user = new Option<string>("--user") { Description = "The user of the service. Default: a user that systemd creates for it; root for a tunnel." };
        var print = new Option<bool>("--print") { Description = "Print the unit without installing it." };
        name.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && (result.Tokens[0].Value.Length is 0 or > 64 || !result.Tokens[0].Value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '@')))
            {
                result.AddError("--name must be 1 to 64 letters, digits, '-', '_' or '@'.");
            }
        });
        var install = new Command("install", "Writes /etc/systemd/system/NAME.service, enables and starts it.") { words, name, user, print };
        install.SetAction((parsed, stop) => InstallAsync(terminal, parsed.GetRequiredValue(words), parsed.GetRequiredValue(name), parsed.GetValue(user), parsed.GetValue(print), stop));
        command.Add(install);
        return command;
    }

    /// <summary>The text of the unit. The service can read files that its user may read, and can write only to its own folders.</summary>
    internal static string Unit(IReadOnlyList<string> words, string? user, string executable)
    {
        bool isTunnel = words[0] == "tunnel";
        // Only these commands notify systemd when they are ready.
        string type = words[0] is "serve" or "tunnel" ? "notify" : "exec";
        string account = user is not null ? $"User={user}" : isTunnel ? "User=root" : "DynamicUser=yes";
        string capabilities = isTunnel ? "CAP_NET_ADMIN CAP_NET_RAW" : "CAP_NET_BIND_SERVICE";
        var unit = new StringBuilder();
        unit.Append("[Unit]\nDescription=mtatls ").Append(words[0]).Append("\nDocumentation=man:systemd.service(5)\nWants=network-online.target\nAfter=network-online.target\n\n")
            .Append("[Service]\nType=").Append(type).Append('\n')
            .Append("ExecStart=").Append(executable).Append(' ').AppendJoin(' ', words.Select(Quote)).Append('\n')
            .Append(account).Append('\n')
            .Append("Restart=on-failure\nRestartSec=2\nKillSignal=SIGTERM\nTimeoutStopSec=60\nLimitNOFILE=1048576\n")
            .Append("RuntimeDirectory=mtatls\nRuntimeDirectoryMode=0700\nStateDirectory=mtatls\nEnvironment=DOTNET_BUNDLE_EXTRACT_BASE_DIR=%S/mtatls HOME=%S/mtatls\n")
            .Append("AmbientCapabilities=").Append(capabilities).Append("\nCapabilityBoundingSet=").Append(capabilities).Append('\n')
            .Append("NoNewPrivileges=yes\nProtectSystem=strict\nProtectHome=read-only\nPrivateTmp=yes\n")
            .Append(isTunnel ? "DevicePolicy=closed\nDeviceAllow=/dev/net/tun rw\n" : "PrivateDevices=yes\n")
            .Append("ProtectKernelTunables=yes\nProtectKernelModules=yes\nProtectControlGroups=yes\nRestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n")
            .Append("RestrictNamespaces=yes\nRestrictRealtime=yes\nRestrictSUIDSGID=yes\nLockPersonality=yes\nSystemCallArchitectures=native\n\n")
            .Append("[Install]\nWantedBy=multi-user.target\n");
        return unit.ToString();
    }

    private static async Task<int> InstallAsync(Terminal terminal, string[] words, string name, string? user, bool print, CancellationToken stop)
    {
        string unit = Unit(words, user, Executable());
        if (print)
        {
            terminal.WriteLine(unit.TrimEnd('\n'));
            return ExitCode.Success;
        }

        string path = $"/etc/systemd/system/{name}.service";
        try
        {
            if (!Directory.Exists("/run/systemd/system"))
            {
                throw new ToolException(ExitCode.Failure, "This machine does not run systemd.", "Print the unit with --print, and install it on a machine with systemd.");
            }

            await File.WriteAllTextAsync(path, unit, stop);
            terminal.WriteLine(path);
            await SystemctlAsync(["daemon-reload"], stop);
            await SystemctlAsync(["enable", "--now", name], stop);
            terminal.WriteLine($"The service {name} has started. 'journalctl -u {name}' shows its log.");
            return ExitCode.Success;
        }
        catch (UnauthorizedAccessException e)
        {
            return terminal.Fail(new ToolException(ExitCode.Failure, $"{path} cannot be written.", "Run as root, or print the unit with --print.", e));
        }
        catch (ToolException e)
        {
            return terminal.Fail(e);
        }
    }

    private static async Task SystemctlAsync(string[] arguments, CancellationToken stop)
    {
        using Process process = Process.Start(new ProcessStartInfo("systemctl", arguments)) ?? throw new ToolException(ExitCode.Failure, "systemctl cannot be started.");
        await process.WaitForExitAsync(stop);
        if (process.ExitCode != 0)
        {
            throw new ToolException(ExitCode.Failure, $"'systemctl {string.Join(' ', arguments)}' failed.", "The message of systemctl above has the reason.");
        }
    }

    /// <summary>The command line that starts this command: its own executable, or dotnet with the tool's assembly.</summary>
    private static string Executable()
    {
        string process = Environment.ProcessPath ?? "mtatls";
        string assembly = Path.Combine(AppContext.BaseDirectory, "mtatls.dll");
        return Path.GetFileNameWithoutExtension(process) == "dotnet" && File.Exists(assembly) ? $"{Quote(process)} {Quote(assembly)}" : Quote(process);
    }

    private static string Quote(string word)
    {
        string escaped = word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal);
        return escaped.Length > 0 && escaped.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or ':' or '=' or ',' or '@' or '%' or '[' or ']') ? escaped : $"\"{escaped}\"";
    }
}
