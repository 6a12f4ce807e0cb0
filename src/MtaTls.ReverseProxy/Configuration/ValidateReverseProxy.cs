using Microsoft.Extensions.Options;
using MtaTls.AspNetCore;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Configuration;

/// <summary>
/// Validates <see cref="MtaTlsReverseProxyOptions"/>, alone and together with <see cref="MtaTlsOptions"/>. Both are read from one section, so one message at the server's start lists all errors of that
/// section.
/// </summary>
internal sealed class ValidateReverseProxy(IEnumerable<IConfigureOptions<MtaTlsReverseProxyOptions>> configurations, IEnumerable<IPeersInUse> peers)
    : IValidateOptions<MtaTlsReverseProxyOptions>, IValidateOptions<MtaTlsOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsReverseProxyOptions options)
    {
        return Validate(options, null);
    }

    private ValidateOptionsResult Validate(MtaTlsReverseProxyOptions options, MtaTlsOptions? server)
    {
        var errors = new List<string>(options.ConfigurationErrors.All);
        ReverseProxySettings.State.Read(options, errors);
        if (peers.Any())
        {
            ClusterPlan.Check(options, server, errors);
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    public ValidateOptionsResult Validate(string? name, MtaTlsOptions options)
    {
        var own = new MtaTlsReverseProxyOptions();
        foreach (IConfigureOptions<MtaTlsReverseProxyOptions> configuration in configurations)
        {
            configuration.Configure(own);
        }

        return Validate(own, options);
    }
}
