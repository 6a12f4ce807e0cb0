using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Configuration;

namespace MtaTls.Fuzz.Targets;

/// <summary>The section MtaTls as key=value lines: an invalid value becomes an error in the list, never an exception.</summary>
internal sealed class ConfigurationTarget : FuzzTarget
{
    private static readonly HostingEnvironment s_environment = new() { ContentRootPath = AppContext.BaseDirectory };

    public override string Name => "configuration";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (string line in Encoding.UTF8.GetString(input).Split('\n').Take(50))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                values["MtaTls:" + line[..equals]] = line[(equals + 1)..];
            }
        }
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(values).Build();
        new ConfigureMtaTlsOptions(configuration, s_environment).Configure(new MtaTlsOptions());
        return default;
    }
}
