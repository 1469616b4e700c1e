// For a trial: the editor and the pages of the flow have no password. compose.yaml lets only this machine reach them.
module.exports = {
    uiPort: process.env.PORT || 1880,
    telemetry: { enabled: false, updateNotification: false }
};
